import { lstat, mkdir, rename, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { checkDefaultEndpoint } from '../config/default-endpoint.ts'

/**
 * Makes a path free for a Unix socket. A socket that a killed process left is removed; one that somebody still
 * answers on, and anything that is no socket, is left alone and is an error.
 *
 * The removal cannot hit a living socket: the file is renamed first and asked once more under its new name, where no
 * starting server can have put its own. If a server has started in between after all, it gets its file back.
 */
export async function freeSocketPath(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  checkDefaultEndpoint(`unix://${path}`)
  const found = await lstat(path).catch(ignoreMissing)
  if (!found) return
  if (!found.isSocket()) throw new Error(`${path} exists and is no socket; remove it or listen elsewhere`)
  if (await answers(path)) throw new Error(`${path} is in use by another process; stop it or listen elsewhere`)
  const aside = `${path}.stale-${process.pid}`
  await rename(path, aside)
  if (await answers(aside)) {
    await rename(aside, path)
    throw new Error(`${path} was taken by another process just now`)
  }
  await unlink(aside)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(error)
    })
  })
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
