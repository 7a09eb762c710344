import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { errorCode } from '../rpc/index.ts'
import { procedures } from '../rpc/procedures.ts'
import { answerCalls, failure, on } from '../rpc/testing/answer-calls.ts'
import { FakeLibvirtd, startFakeLibvirtd } from '../rpc/testing/fake-libvirtd.ts'
import { LibvirtConnection, withLibvirt } from './connection.ts'

const { signal } = new AbortController()

async function fake() {
  const daemon = await startFakeLibvirtd()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  answerCalls(daemon, [on(procedures.connectGetHostname, () => ({ hostname: 'h' }))])
  const uri = `qemu+unix:///session?socket=${daemon.target.transport.description}`
  const connection = new LibvirtConnection(uri)
  onTestFinished(() => connection.close())
  return { daemon, uri, connection }
}

/** A socket that takes connections and never says anything. */
async function silentUri(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'silent-'))
  const path = join(folder, 'sock')
  const server = createServer((socket) => onTestFinished(() => void socket.destroy()))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  onTestFinished(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  return `qemu+unix:///session?socket=${path}`
}

test('many who come at once share one connection', async () => {
  const { daemon, connection } = await fake()
  const all = await Promise.all(Array.from({ length: 10 }, () => connection.use(signal)))
  expect(await Promise.all(all.map((libvirt) => libvirt.node.hostname()))).toEqual(Array(10).fill('h'))
  // One session is two sockets.
  expect(daemon.openClients).toBe(2)
})

test('a connection that was lost is opened again, once for all', async () => {
  const { daemon, connection } = await fake()
  const first = await connection.use(signal)
  daemon.drop(0)
  await first.closed
  const all = await Promise.all(Array.from({ length: 10 }, () => connection.use(signal)))
  expect(await Promise.all(all.map((libvirt) => libvirt.node.hostname()))).toEqual(Array(10).fill('h'))
  expect(daemon.openClients).toBe(2)
})

test('a failure to open is told, and the next call tries again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'later-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'sock')
  const uri = `qemu+unix:///session?socket=${path}`
  const connection = new LibvirtConnection(uri)
  onTestFinished(() => connection.close())
  const client = async <T>() => connection as T
  const hostname = () => withLibvirt(uri, { client, signal }, (libvirt) => libvirt.node.hostname())
  await expect(hostname()).rejects.toThrow(expect.objectContaining({ code: 'Unavailable', source: 'cloud' }))
  const daemon = new FakeLibvirtd(path, {})
  await daemon.listen()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  answerCalls(daemon, [on(procedures.connectGetHostname, () => ({ hostname: 'h' }))])
  expect(await hostname()).toBe('h')
})

test('a daemon that does not answer is not waited for for ever', async () => {
  const connection = new LibvirtConnection(await silentUri(), { openTimeoutMs: 20 })
  await expect(connection.use(signal)).rejects.toThrow(
    expect.objectContaining({ code: 'Unavailable', message: expect.stringMatching(/has not answered within/) }),
  )
})

test('who gives up while it is opened hears so at once, and takes it from nobody', async () => {
  const connection = new LibvirtConnection(await silentUri(), { openTimeoutMs: 50 })
  const controller = new AbortController()
  const [given, kept] = [connection.use(controller.signal), connection.use(signal)]
  const outcome = kept.catch((error: Error) => error)
  controller.abort(new Error('no patience'))
  await expect(given).rejects.toThrow('no patience')
  expect(await outcome).toMatchObject({ code: 'Unavailable' })
})

test('what libvirt says goes out as the error of the contract; an abort is left to the host', async () => {
  const { uri, connection } = await fake()
  const client = async <T>() => connection as T
  const controller = new AbortController()
  const failed = withLibvirt(uri, { client, signal }, async () => {
    throw failure(errorCode.noMemory)
  })
  await expect(failed).rejects.toThrow(expect.objectContaining({ code: 'ResourceExhausted' }))
  const reason = new DOMException('the host stops', 'AbortError')
  const aborted = withLibvirt(uri, { client, signal: controller.signal }, async (libvirt) => {
    const pending = libvirt.domains.list()
    controller.abort(reason)
    return await pending
  })
  await expect(aborted).rejects.toBe(reason)
})
