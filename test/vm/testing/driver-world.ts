import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject, Machine } from '@mcm/sdk'
import type { MachineRequest } from '@mcm/sdk/contract'
import { type LoadedPlugin, loadPlugin, machineRequest } from '@mcm/sdk/testing'
import { identityOf } from '../../../plugins/libvirt/src/driver/identity.ts'
import plugin from '../../../plugins/libvirt/src/index.ts'
import { type DomainRef, type Libvirt, openLibvirt, type PoolRef } from '../../../plugins/libvirt/src/rpc/index.ts'
import { poolXml } from '../../../plugins/libvirt/src/xml/index.ts'
import { type PrivateLibvirtd, startPrivateLibvirtd } from '../../env/libvirtd.ts'

export const cluster = 'vm-test'

/** A libvirtd of our own, the plugin, and a second connection by which the test looks for itself. */
export class DriverWorld implements AsyncDisposable {
  readonly daemon: PrivateLibvirtd
  readonly plugin = loadPlugin(plugin)
  /** Has nothing to boot: a machine with it runs, which is all that most tests need, and costs little. */
  readonly blankImage: string
  readonly poolPath: string
  libvirt: Libvirt
  readonly #others: LoadedPlugin[] = []

  constructor(daemon: PrivateLibvirtd, libvirt: Libvirt) {
    this.daemon = daemon
    this.libvirt = libvirt
    this.blankImage = join(daemon.poolDir, 'blank.img')
    this.poolPath = join(daemon.poolDir, 'mcm')
  }

  static async start(signal: AbortSignal): Promise<DriverWorld> {
    const daemon = await startPrivateLibvirtd({ signal, log: () => {} })
    try {
      const world = new DriverWorld(daemon, await openLibvirt(daemon.uri, { signal }))
      await writeFile(world.blankImage, Buffer.alloc(1024 * 1024))
      await chmod(world.blankImage, 0o644)
      return world
    } catch (error) {
      await daemon.close()
      throw error
    }
  }

  /** A plugin with clients of its own, as in another process. */
  anotherPlugin(): LoadedPlugin {
    const other = loadPlugin(plugin)
    this.#others.push(other)
    return other
  }

  spec(changes: JsonObject = {}): JsonObject {
    return {
      uri: this.daemon.uri,
      cluster,
      image: { path: this.blankImage, format: 'raw' },
      memoryMiB: 32,
      pool: { name: 'mcm', path: this.poolPath },
      networks: [],
      virtType: 'qemu',
      ...changes,
    }
  }

  /** A request about a machine, as it is before its creation. */
  request(name: string, changes: JsonObject = {}, userData?: string): MachineRequest {
    const request = machineRequest(name, {
      providerSpec: this.spec(changes),
      ...(userData !== undefined && { secret: { userData } }),
    })
    // A host routes by it.
    return { ...request, machineClass: { ...request.machineClass, provider: 'libvirt' } }
  }

  identity(name: string) {
    return identityOf({ metadata: { name, namespace: 'default' }, spec: {} } satisfies Machine, { cluster })
  }

  async domain(name: string): Promise<DomainRef | undefined> {
    return await this.libvirt.domains.findByUuid(this.identity(name).uuid)
  }

  async pool(): Promise<PoolRef> {
    return await this.libvirt.pools.lookupByName('mcm')
  }

  /** The pool, without a machine that would make it. */
  async makePool(): Promise<PoolRef> {
    const found = await this.libvirt.pools.findByName('mcm')
    if (found) return found
    const pool = await this.libvirt.pools.define(poolXml({ name: 'mcm', path: this.poolPath }))
    await this.libvirt.pools.build(pool)
    await this.libvirt.pools.start(pool)
    return pool
  }

  /** Everything that there is of machines: by libvirt's word, in the folder, and running. */
  async everything(poolPath = this.poolPath): Promise<{ domains: string[]; files: string[]; processes: number }> {
    await mkdir(poolPath, { recursive: true })
    return {
      domains: (await this.libvirt.domains.list()).map(({ name }) => name).sort(),
      files: (await readdir(poolPath)).sort(),
      processes: (await this.daemon.qemuProcesses()).length,
    }
  }

  /** Starts libvirtd again after it was killed. */
  async restart(signal: AbortSignal): Promise<void> {
    await this.daemon.restart(signal)
    await this.libvirt.close()
    this.libvirt = await openLibvirt(this.daemon.uri, { signal })
  }

  /** Removes all that a test has left, so that the next one starts with nothing. */
  async clear(): Promise<void> {
    for (const domain of await this.libvirt.domains.list()) {
      const { state } = await this.libvirt.domains.state(domain)
      if (state !== 'shutoff') await this.libvirt.domains.destroy(domain)
      await this.libvirt.domains.undefine(domain).catch(() => {})
    }
    const pool = await this.libvirt.pools.findByName('mcm')
    if (!pool || (await this.libvirt.pools.info(pool)).state === 'inactive') return
    await this.libvirt.pools.refresh(pool)
    for (const volume of await this.libvirt.pools.listVolumes(pool)) await this.libvirt.volumes.delete(volume)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of [this.plugin, ...this.#others]) await one[Symbol.asyncDispose]()
    await this.libvirt.close()
    await this.daemon.close()
  }
}

/** What there is when nothing is left. */
export const nothing = { domains: [], files: [], processes: 0 }
