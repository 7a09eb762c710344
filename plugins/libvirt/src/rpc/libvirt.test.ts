import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { encodeValue } from './codec.ts'
import { CallAbandoned, ConnectionLost, LibvirtError, UploadSizeError } from './errors.ts'
import { messageStatus, messageType } from './frame.ts'
import { Libvirt } from './libvirt.ts'
import { lifecycleMessage, procedures } from './procedures.ts'
import { openSession } from './session.ts'
import { startFakeLibvirtd } from './testing/fake-libvirtd.ts'
import type { UploadSource } from './upload.ts'

const reads = 0
const writes = 1
const domain = { name: 'a', uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', id: 1 }
const volume = { pool: 'p', name: 'v', key: '/p/v' }

async function connected() {
  const daemon = await startFakeLibvirtd()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const libvirt = new Libvirt(await openSession(daemon.target))
  onTestFinished(() => libvirt.close())
  return { daemon, libvirt }
}

async function uploading(source: UploadSource, capacity: number, signal?: AbortSignal) {
  const { daemon, libvirt } = await connected()
  const result = libvirt.volumes.upload(volume, source, { signal })
  // Judged later; until then its failure is not unhandled.
  result.catch(() => {})
  const [info] = await daemon.calls(procedures.storageVolGetInfo, 1)
  if (info) daemon.reply(info, procedures.storageVolGetInfo, { type: 0, capacity, allocation: 0 })
  const isData = (frame: { type: number }) => frame.type === messageType.stream
  const accept = async () => {
    const [call] = await daemon.calls(procedures.storageVolUpload, 1)
    if (!call) throw new Error('no upload')
    daemon.reply(call, procedures.storageVolUpload, {})
    return call
  }
  const end = async () => {
    const [last] = await daemon.frames((frame) => isData(frame) && frame.status !== messageStatus.continue, 1)
    if (!last) throw new Error('no end')
    return last
  }
  const confirm = async () => {
    const last = await end()
    daemon.send(last.client, { ...last.frame, status: messageStatus.ok, payload: new Uint8Array() })
    return last.frame.status
  }
  return { daemon, libvirt, result, accept, end, confirm, isData }
}

test('looks do not wait behind changes', async () => {
  const { daemon, libvirt } = await connected()
  const starts = Promise.allSettled(Array.from({ length: 8 }, () => libvirt.domains.start(domain)))
  const list = libvirt.domains.list()
  const [call] = await daemon.calls(procedures.connectListAllDomains, 1)
  expect(call?.client).toBe(reads)
  if (call) daemon.reply(call, procedures.connectListAllDomains, { domains: [domain], count: 1 })
  expect(await list).toEqual([domain])
  expect((await daemon.calls(procedures.domainCreate, 4)).every(({ client }) => client === writes)).toBe(true)
  await libvirt.close()
  await starts
})

test.each([reads, writes])('the loss of connection %i is the loss of both', async (client) => {
  const { daemon, libvirt } = await connected()
  daemon.drop(client)
  await libvirt.closed
  expect(libvirt.isOpen).toBe(false)
  await expect(libvirt.domains.list()).rejects.toThrow('connection to libvirtd lost: libvirtd closed it')
  await expect(libvirt.domains.start(domain)).rejects.toThrow('connection to libvirtd lost: libvirtd closed it')
})

test('what is not there can be an answer or an error', async () => {
  const { daemon, libvirt } = await connected()
  const found = Promise.all([
    libvirt.domains.findByUuid(domain.uuid),
    libvirt.domains.lookupByUuid(domain.uuid).catch((error: unknown) => error),
  ])
  for (const call of await daemon.calls(procedures.domainLookupByUuid, 2)) daemon.fail(call, 42, 'no domain')
  const [absent, error] = await found
  expect(absent).toBeUndefined()
  expect(error).toMatchObject({ name: 'LibvirtError', code: 42 })
})

test('a view with a signal ends its own calls only', async () => {
  const { daemon, libvirt } = await connected()
  const controller = new AbortController()
  const ended = libvirt.withSignal(controller.signal).node.hostname()
  const kept = libvirt.node.hostname()
  const calls = await daemon.calls(procedures.connectGetHostname, 2)
  controller.abort()
  await expect(ended).rejects.toThrow(CallAbandoned)
  for (const call of calls) daemon.reply(call, procedures.connectGetHostname, { hostname: 'h' })
  expect(await kept).toBe('h')
})

test('an upload is sent in pieces, in order, and ends when libvirtd says so', async () => {
  const content = Buffer.alloc(600_000, 'abcdefg')
  const { daemon, result, accept, confirm, isData } = await uploading(content, 600_000)
  const call = await accept()
  expect(call.args).toMatchObject({ volume, offset: 0, length: 600_000 })
  expect(call.client).toBe(writes)
  expect(await confirm()).toBe(messageStatus.ok)
  await result
  const pieces = (await daemon.frames(isData, 4)).map(({ frame }) => frame.payload)
  expect(pieces.map((piece) => piece.byteLength)).toEqual([262_120, 262_120, 75_760, 0])
  expect(Buffer.concat(pieces).equals(content)).toBe(true)
})

test('content that does not fit is not sent', async () => {
  const { daemon, result } = await uploading(Buffer.alloc(11), 10)
  await expect(result).rejects.toThrow(UploadSizeError)
  expect(await daemon.calls(procedures.storageVolUpload, 0)).toEqual([])
})

test.each([
  ['longer', ['12345', '67890', '1'], 10],
  ['shorter', ['12345'], 10],
])('content that is %s than it says is stopped', async (_name, parts, length) => {
  const chunks = (async function* () {
    for (const part of parts) yield Buffer.from(part)
  })()
  const { result, accept, confirm } = await uploading({ length, chunks }, 100)
  await accept()
  expect(await confirm()).toBe(messageStatus.error)
  await expect(result).rejects.toThrow(UploadSizeError)
})

test('an upload that is aborted tells libvirtd, though its source is silent, and lets the source go', async () => {
  let returned = false
  const chunks = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<Uint8Array>>(() => {}),
      return: async () => {
        returned = true
        return { done: true as const, value: undefined }
      },
    }),
  }
  const controller = new AbortController()
  const { result, accept, confirm } = await uploading({ length: 5, chunks }, 100, controller.signal)
  await accept()
  await sleep(10)
  controller.abort()
  await expect(result).rejects.toThrow(CallAbandoned)
  expect(await confirm()).toBe(messageStatus.error)
  expect(returned).toBe(true)
})

test('an upload that is aborted before libvirtd accepts it is stopped when it does', async () => {
  const controller = new AbortController()
  const { daemon, result, accept, confirm } = await uploading(Buffer.alloc(5), 100, controller.signal)
  await daemon.calls(procedures.storageVolUpload, 1)
  controller.abort()
  await expect(result).rejects.toThrow(CallAbandoned)
  await accept()
  expect(await confirm()).toBe(messageStatus.error)
})

test.each([messageType.stream, messageType.reply])(
  'an upload that libvirtd ends fails (message type %i)',
  async (type) => {
    const { daemon, result, accept, end } = await uploading(Buffer.alloc(5), 100)
    await accept()
    daemon.fail(await end(), 38, 'no space', type)
    const error = await result.catch((error: unknown) => error)
    expect(error).toBeInstanceOf(LibvirtError)
    expect(error).toMatchObject({ code: 38, procedure: 'storage-vol-upload' })
  },
)

test('an upload waits while libvirtd does not read', async () => {
  let produced = 0
  const chunk = Buffer.alloc(1 << 20)
  const total = 64
  const chunks = (async function* () {
    for (; produced < total; produced += 1) yield chunk
  })()
  const { daemon, result, accept, confirm } = await uploading({ length: total << 20, chunks }, total << 20)
  const { client } = await accept()
  daemon.pause(client)
  await sleep(100)
  const whilePaused = produced
  await sleep(50)
  expect(produced).toBe(whilePaused)
  expect(produced).toBeLessThan(total)
  daemon.resume(client)
  await confirm()
  await result
  expect(produced).toBe(total)
})

test('an upload fails when the connection is lost', async () => {
  const chunks = (async function* () {
    yield Buffer.alloc(1)
    await new Promise(() => {})
  })()
  const { daemon, result, accept } = await uploading({ length: 5, chunks }, 100)
  const { client } = await accept()
  await daemon.frames((frame) => frame.type === messageType.stream, 1)
  daemon.drop(client)
  await expect(result).rejects.toThrow(ConnectionLost)
})

async function watching(callbackId = 7, signal?: AbortSignal) {
  const { daemon, libvirt } = await connected()
  const starting = libvirt.watchDomains({ signal })
  const [call] = await daemon.calls(procedures.domainEventRegister, 1)
  if (!call) throw new Error('not registered')
  const tell = (id: number, event: number, detail: number) => {
    const payload = encodeValue(lifecycleMessage.payload, { callbackId: id, domain, event, detail })
    daemon.message(reads, lifecycleMessage.number, payload)
  }
  // Before the answer: libvirtd may be that quick.
  tell(callbackId, 2, 0)
  daemon.reply(call, procedures.domainEventRegister, { callbackId })
  return { daemon, libvirt, tell, watch: await starting }
}

test('events are told in order, by name, and only ours', async () => {
  const { daemon, tell, watch } = await watching()
  tell(8, 0, 0)
  tell(7, 5, 5)
  tell(7, 5, 99)
  tell(7, 99, 0)
  const events: string[] = []
  const reading = (async () => {
    for await (const { event, detail } of watch) {
      if (events.push(`${event}/${detail}`) === 4) break
    }
  })()
  const [call] = await daemon.calls(procedures.domainEventDeregister, 1)
  expect(call?.args).toEqual({ callbackId: 7 })
  if (call) daemon.reply(call, procedures.domainEventDeregister, {})
  await reading
  expect(events).toEqual(['started/booted', 'stopped/failed', 'stopped/unknown', 'unknown/unknown'])
})

test('a watch ends quietly with its signal, and with an error when the connection is lost', async () => {
  const controller = new AbortController()
  const one = await watching(1, controller.signal)
  controller.abort()
  const [call] = await one.daemon.calls(procedures.domainEventDeregister, 1)
  if (call) one.daemon.reply(call, procedures.domainEventDeregister, {})
  const seen: string[] = []
  for await (const { event } of one.watch) seen.push(event)
  expect(seen).toEqual(['started'])

  const other = await watching(2)
  const drain = (async () => {
    for await (const _event of other.watch) other.daemon.drop(reads)
  })()
  await expect(drain).rejects.toThrow(ConnectionLost)
})
