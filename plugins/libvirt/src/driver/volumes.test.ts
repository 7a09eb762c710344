import { expect, onTestFinished, test } from 'vitest'
import { errorCode, openLibvirt, type PoolRef } from '../rpc/index.ts'
import { procedures } from '../rpc/procedures.ts'
import { answerCalls, failure, on, type Script } from '../rpc/testing/answer-calls.ts'
import { startFakeLibvirtd } from '../rpc/testing/fake-libvirtd.ts'
import { deleteVolume, ensureVolume, refreshPool } from './volumes.ts'

const { signal } = new AbortController()
const pool: PoolRef = { name: 'p', uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8' }
const volume = { pool: 'p', name: 'v', key: '/p/v' }
const wanted = { name: 'v', xml: '<volume/>' }

async function libvirtWith(scripts: Script[]) {
  const daemon = await startFakeLibvirtd()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  answerCalls(daemon, scripts)
  const libvirt = await openLibvirt(`qemu+unix:///session?socket=${daemon.target.transport.description}`)
  onTestFinished(() => libvirt.close())
  return libvirt
}

/** Fails so many times, then works. */
function failing<T>(times: number, code: number, result: T, detail?: string) {
  return () => {
    if (times-- > 0) throw failure(code, detail)
    return result
  }
}

test('a refresh waits until no volume is being made', async () => {
  const busy = failing(3, errorCode.internalError, {}, 'pool has asynchronous jobs running')
  await refreshPool(await libvirtWith([on(procedures.storagePoolRefresh, busy)]), pool, signal)
})

test('a refresh that fails for another reason says so at once; one that never works ends with the call', async () => {
  const inactive = () => {
    throw failure(errorCode.operationInvalid, 'not active')
  }
  const libvirt = await libvirtWith([on(procedures.storagePoolRefresh, inactive)])
  await expect(refreshPool(libvirt, pool, signal)).rejects.toThrow('not active')
  const busy = () => {
    throw failure(errorCode.internalError, 'busy')
  }
  const never = await libvirtWith([on(procedures.storagePoolRefresh, busy)])
  const controller = new AbortController()
  const refreshed = refreshPool(never, pool, controller.signal)
  controller.abort(new Error('no patience'))
  await expect(refreshed).rejects.toThrow('no patience')
})

test.each([
  ['libvirt knows it', errorCode.storageVolumeExists, 'exists'],
  ['only the folder does', errorCode.systemError, "cannot create path '/p/v': File exists"],
])('a volume that is there is found: %s', async (_how, code, detail) => {
  const order: string[] = []
  const libvirt = await libvirtWith([
    on(procedures.storageVolCreateXml, failing(1, code, { volume }, detail)),
    on(procedures.storagePoolRefresh, () => {
      order.push('refresh')
      return {}
    }),
    on(procedures.storageVolLookupByName, () => {
      order.push('look')
      return { volume }
    }),
  ])
  expect(await ensureVolume(libvirt, pool, wanted, signal)).toEqual({ volume, isNew: false })
  expect(order).toEqual(['refresh', 'look'])
})

test('a volume that goes away meanwhile is made', async () => {
  const libvirt = await libvirtWith([
    on(procedures.storageVolCreateXml, failing(1, errorCode.storageVolumeExists, { volume })),
    on(procedures.storagePoolRefresh, () => ({})),
    on(procedures.storageVolLookupByName, failing(1, errorCode.noStorageVolume, { volume })),
  ])
  expect(await ensureVolume(libvirt, pool, wanted, signal)).toEqual({ volume, isNew: true })
})

test('a volume that cannot be made is not looked for', async () => {
  const libvirt = await libvirtWith([
    on(procedures.storageVolCreateXml, failing(1, errorCode.systemError, { volume }, 'No space left on device')),
  ])
  await expect(ensureVolume(libvirt, pool, wanted, signal)).rejects.toThrow('No space left')
})

test('a volume that is gone already is deleted with success', async () => {
  const libvirt = await libvirtWith([on(procedures.storageVolDelete, failing(1, errorCode.noStorageVolume, {}))])
  await deleteVolume(libvirt, volume)
})
