import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'

/** User ids of plugins: one for each, the same at each start, and no two alike in one host. */
export class PluginUsers {
  readonly #baseUid: number
  readonly #names = new Map<number, string>()

  constructor(baseUid: number) {
    this.#baseUid = baseUid
  }

  uidOf(name: string): number {
    const start = createHash('sha256').update(name).digest().readUInt32BE(0)
    for (let i = 0; i < uidCount; i++) {
      const uid = this.#baseUid + ((start + i) % uidCount)
      const owner = this.#names.get(uid)
      if (owner !== undefined && owner !== name) continue
      this.#names.set(uid, name)
      return uid
    }
    throw new Error(`there are more than ${uidCount} plugins`)
  }
}

/** So many ids from the base on are the plugins'. Systems leave whole 64 Ki blocks to containers and the like. */
export const uidCount = 65_536

/**
 * Checks that a user that owns nothing and is in no group can read a file or folder. Otherwise Node would only say that there
 * is no such module.
 */
export function checkReadable(path: string, uid: number): void {
  const { mode } = statSync(path)
  if ((mode & 0o004) === 0) throw unreadable(path, uid, path, 'o+rX')
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) throw unreadable(path, uid, folder, 'o+x')
  }
}

function unreadable(path: string, uid: number, obstacle: string, mode: string): Error {
  const where = obstacle === path ? 'it' : obstacle
  return new Error(
    `user ${uid} cannot read ${path}, since ${where} is closed to others; "chmod ${mode} ${obstacle}", or put it elsewhere`,
  )
}
