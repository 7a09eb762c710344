import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { CallAbandoned, ConnectFailed, ConnectionLost, LibvirtError, ProtocolError } from './errors.ts'
import { keepaliveProgram } from './procedure.ts'
import { procedures } from './procedures.ts'
import { type FakeOptions, startFakeLibvirtd } from './testing/fake-libvirtd.ts'

const { connectGetHostname: hostname, domainLookupByName: lookup } = procedures

const domain = (name: string) => ({ name, uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', id: -1 })
const lost = (sent: boolean) => expect.objectContaining({ name: 'ConnectionLost', sent })
const abandoned = (sent: boolean) => expect.objectContaining({ name: 'CallAbandoned', sent })

async function connected(options: ConnectionOptions = {}, fake: FakeOptions = {}) {
  const daemon = await startFakeLibvirtd(fake)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const connection = await openConnection(daemon.target, options)
  onTestFinished(() => connection.close())
  return { daemon, connection }
}

test('answers that come out of order find their calls', async () => {
  const { daemon, connection } = await connected()
  const results = ['a', 'b', 'c'].map((name) => connection.call(lookup, { name }))
  const calls = await daemon.calls(lookup, 3)
  for (const call of calls.toReversed()) daemon.reply(call, lookup, { domain: domain(call.args.name) })
  const names = (await Promise.all(results)).map((result) => result.domain.name)
  expect(names).toEqual(['a', 'b', 'c'])
})

test('an error answer says what, where from, and in which procedure', async () => {
  const { daemon, connection } = await connected()
  const result = connection.call(lookup, { name: 'a' })
  const [call] = await daemon.calls(lookup, 1)
  if (call) daemon.fail(call, 42, 'no domain')
  const error = await result.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(LibvirtError)
  expect(error).toMatchObject({
    code: 42,
    domain: 10,
    level: 2,
    procedure: 'domain-lookup-by-name',
    detail: 'no domain',
  })
})

test('an unreadable answer fails its own call only', async () => {
  const { daemon, connection } = await connected()
  const bad = connection.call(lookup, { name: 'a' })
  const [call] = await daemon.calls(lookup, 1)
  if (call) daemon.send(call.client, { ...call.frame, type: 1, payload: Buffer.from([0, 0, 255, 255]) })
  await expect(bad).rejects.toThrow(ProtocolError)
  expect(connection.isOpen).toBe(true)
})

test('four calls are in flight at most, and each answer lets one more go', async () => {
  const { daemon, connection } = await connected()
  const results = Array.from({ length: 6 }, () => connection.call(hostname, {}))
  const [first] = await daemon.calls(hostname, 4)
  await sleep(30)
  expect(await daemon.calls(hostname, 4)).toHaveLength(4)
  if (first) daemon.reply(first, hostname, { hostname: 'h' })
  const calls = await daemon.calls(hostname, 5)
  expect(calls).toHaveLength(5)
  for (const call of calls.slice(1)) daemon.reply(call, hostname, { hostname: 'h' })
  const [last] = (await daemon.calls(hostname, 6)).slice(-1)
  if (last) daemon.reply(last, hostname, { hostname: 'h' })
  expect(await Promise.all(results)).toHaveLength(6)
})

test('an aborted call keeps its place, since libvirtd goes on with it, and its late answer is dropped', async () => {
  const { daemon, connection } = await connected()
  const controller = new AbortController()
  const given = Array.from({ length: 4 }, () => connection.call(hostname, {}, { signal: controller.signal }))
  const outcomes = Promise.allSettled(given)
  const calls = await daemon.calls(hostname, 4)
  controller.abort(new Error('enough'))
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'CallAbandoned', sent: true } })
  }
  const next = connection.call(lookup, { name: 'a' })
  await sleep(30)
  expect(await daemon.calls(lookup, 0)).toEqual([])
  if (calls[0]) daemon.reply(calls[0], hostname, { hostname: 'late' })
  const [call] = await daemon.calls(lookup, 1)
  if (call) daemon.reply(call, lookup, { domain: domain('a') })
  expect((await next).domain.name).toBe('a')
})

test('a call that still waits for its turn is never sent once it is aborted', async () => {
  const { daemon, connection } = await connected()
  const results = Array.from({ length: 4 }, () => connection.call(hostname, {}))
  const controller = new AbortController()
  const waiting = connection.call(lookup, { name: 'a' }, { signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toThrow(abandoned(false))
  for (const call of await daemon.calls(hostname, 4)) daemon.reply(call, hostname, { hostname: 'h' })
  await Promise.all(results)
  expect(await daemon.calls(lookup, 0)).toEqual([])
})

test('a call with an aborted signal, or a deadline in the past, is not sent', async () => {
  const { daemon, connection } = await connected()
  await expect(connection.call(hostname, {}, { signal: AbortSignal.abort() })).rejects.toThrow(abandoned(false))
  await expect(connection.call(hostname, {}, { deadline: Date.now() })).rejects.toThrow(abandoned(false))
  const late = connection.call(hostname, {}, { deadline: Date.now() + 20 })
  const error = await late.catch((error: unknown) => error)
  expect(error).toBeInstanceOf(CallAbandoned)
  expect(error).toMatchObject({ sent: true, cause: { name: 'TimeoutError' } })
  expect(await daemon.calls(hostname, 1)).toHaveLength(1)
})

test('a lost connection fails all calls at once: those sent, those waiting, and those to come', async () => {
  const { daemon, connection } = await connected()
  const results = Promise.allSettled(Array.from({ length: 5 }, () => connection.call(hostname, {})))
  await daemon.calls(hostname, 4)
  daemon.drop(0)
  const outcomes = await results
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([
    lost(true),
    lost(true),
    lost(true),
    lost(true),
    lost(false),
  ])
  await expect(connection.call(hostname, {})).rejects.toThrow(lost(false))
  expect(connection.isOpen).toBe(false)
  await connection.closed
})

test.each([
  ['a length beyond all limits', Buffer.from('7fffffff', 'hex')],
  ['a program that nobody asked for', Buffer.from('0000001c'.padEnd(56, '0'), 'hex')],
])('bytes that are not the protocol end the connection: %s', async (_name, bytes) => {
  const { daemon, connection } = await connected()
  const result = connection.call(hostname, {})
  await daemon.calls(hostname, 1)
  daemon.sendRaw(0, bytes)
  await expect(result).rejects.toThrow(ConnectionLost)
  expect(await connection.closed).toBeInstanceOf(ProtocolError)
})

test('a ping gets its pong', async () => {
  const { daemon } = await connected()
  daemon.ping(0)
  const isPong = (frame: { program: number; procedure: number }) =>
    frame.program === keepaliveProgram.number && frame.procedure === keepaliveProgram.pong
  expect(await daemon.frames(isPong, 1)).toHaveLength(1)
})

test('a daemon that is silent is asked, and one that answers is kept', async () => {
  const { daemon, connection } = await connected({ keepalive: { intervalMs: 10, attempts: 2 } })
  await daemon.frames((frame) => frame.program === keepaliveProgram.number, 4)
  expect(connection.isOpen).toBe(true)
})

test('a daemon that no longer answers is given up, with the calls that wait for it', async () => {
  const { daemon, connection } = await connected({ keepalive: { intervalMs: 10, attempts: 2 } })
  daemon.isDeaf = true
  await expect(connection.call(hostname, {})).rejects.toThrow(lost(true))
  expect(await connection.closed).toMatchObject({ message: 'libvirtd no longer answers' })
})

test('a daemon without keep-alive is not asked', async () => {
  const { daemon, connection } = await connected({ keepalive: { intervalMs: 5, attempts: 1 } }, { keepalive: false })
  await sleep(50)
  expect(connection.isOpen).toBe(true)
  expect(daemon.received).toEqual([])
})

test('close tells what still waits, says goodbye, and can be called twice', async () => {
  const { daemon, connection } = await connected()
  const result = connection.call(hostname, {})
  const outcome = expect(result).rejects.toThrow(lost(true))
  await daemon.calls(hostname, 1)
  await Promise.all([connection.close(), connection.close()])
  await connection.close()
  await outcome
  expect(connection.isOpen).toBe(false)
  expect(daemon.openClients).toBe(0)
})

test.each([
  ['polkit', 2],
  ['SASL', 1],
])('a daemon that wants %s is refused with advice', async (name, type) => {
  const daemon = await startFakeLibvirtd({ authentication: [type] })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const error = await openConnection(daemon.target).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ConnectFailed)
  expect(error).toMatchObject({ reason: 'authentication', message: expect.stringContaining(name) })
})

test('without a daemon nothing is started', async () => {
  const daemon = await startFakeLibvirtd()
  await daemon[Symbol.asyncDispose]()
  await expect(openConnection(daemon.target)).rejects.toThrow(
    expect.objectContaining({ name: 'ConnectFailed', reason: 'not-running' }),
  )
})

test('a daemon that goes away during sign-in is a connection that failed', async () => {
  const daemon = await startFakeLibvirtd({ dropsAtSignIn: true })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  await expect(openConnection(daemon.target)).rejects.toThrow(
    expect.objectContaining({ name: 'ConnectFailed', reason: 'failed' }),
  )
})

test('opening ends with its signal', async () => {
  const daemon = await startFakeLibvirtd()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  await expect(openConnection(daemon.target, { signal: AbortSignal.abort() })).rejects.toThrow(CallAbandoned)
})
