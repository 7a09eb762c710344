import { randomUUID } from 'node:crypto'
import { ApiError, invalid, notFound } from './api-error.ts'
import { defaultCatalogue } from './catalogue.ts'
import { type FakeDisk, makeDisks } from './disk.ts'
import { type FakeInstance, type InstanceResource, instanceResource } from './instance.ts'
import { checkLaunch } from './launch-rules.ts'
import { advance, type FakeOperation, type OperationFailure, operationResource } from './operation.ts'
import { type Place, zonePath } from './place.ts'

/** How the cloud behaves. */
export interface Behaviour {
  /** Looks at an operation or its instance until it is done. With 0 it is done at once. */
  looksUntilDone: number
  /** How long `wait` waits for an operation that is not done. At Compute two minutes. */
  waitMs: number
  /** Looks that do not show a new instance yet. */
  hiddenFor: number
  /** Instances on a page at most. */
  pageSize: number
  /** Answers the same page token again and again. */
  repeatsToken: boolean
}

/** How a change is to be made: `requestId` makes it once only. */
export interface Change {
  requestId?: string | undefined
  failure?: OperationFailure | undefined
}

/** What is in the zones of all projects, and what requests do to it. */
export class FakeCloud {
  readonly behaviour: Behaviour = { looksUntilDone: 1, waitMs: 50, hiddenFor: 0, pageSize: 500, repeatsToken: false }
  readonly catalogue = defaultCatalogue()
  readonly instances: FakeInstance[] = []
  readonly disks: FakeDisk[] = []
  readonly operations: FakeOperation[] = []
  #ids = 0

  insertInstance(place: Place, body: InstanceResource, change: Change = {}): FakeOperation {
    const known = this.#known(place, 'insert', change.requestId)
    if (known) return known
    checkLaunch(body, place, this.catalogue)
    const path = `${zonePath(place)}/instances/${body.name}`
    if (this.instances.some((other) => isAt(other, place, body.name))) {
      throw new ApiError(409, 'alreadyExists', `The resource '${path}' already exists`)
    }
    const resource = instanceResource(this.#id(), ++this.#ids, place, body)
    const disks = makeDisks(() => this.#id(), place, body, resource)
    const operation = this.#operation(place, 'insert', resource, change, () => {
      if (change.failure) this.#remove(instance)
      else resource.status = 'RUNNING'
    })
    const instance: FakeInstance = { ...place, resource, operation, hiddenFor: this.behaviour.hiddenFor }
    this.disks.push(...disks)
    this.instances.push(instance)
    this.#begin(operation)
    return operation
  }

  deleteInstance(place: Place, name: string, change: Change = {}): FakeOperation {
    const known = this.#known(place, 'delete', change.requestId)
    if (known) return known
    const instance = this.#instance(place, name)
    const { resource } = instance
    if (resource.deletionProtection) {
      const text = "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'."
      throw new ApiError(400, 'invalidResourceUsage', text)
    }
    const before = resource.status
    resource.status = 'STOPPING'
    instance.operation = this.#operation(place, 'delete', resource, change, () => {
      if (!change.failure) this.#remove(instance)
      else if (before !== undefined) resource.status = before
    })
    this.#begin(instance.operation)
    return instance.operation
  }

  /** The instance as it is seen now. Each look brings it a step further. */
  lookAtInstance(place: Place, name: string): InstanceResource {
    const instance = this.#instance(place, name)
    if (!this.#look(instance)) throw notFound(`${zonePath(place)}/instances/${name}`)
    return instance.resource
  }

  /** All instances that a look at a zone, or at all zones, shows. */
  lookAtInstances(place: Pick<Place, 'project'> & { zone?: string }): InstanceResource[] {
    const there = this.instances.filter(({ project, zone }) => {
      return project === place.project && zone === (place.zone ?? zone)
    })
    return there.filter((instance) => this.#look(instance)).map(({ resource }) => resource)
  }

  findOperation(place: Place, name: string): FakeOperation {
    const found = this.operations.find(({ project, zone, resource }) => {
      return project === place.project && zone === place.zone && (resource.name === name || resource.id === name)
    })
    if (!found) throw notFound(`${zonePath(place)}/operations/${name}`)
    return found
  }

  findDisk(place: Place, name: string): FakeDisk {
    const found = this.disks.find((disk) => isAt(disk, place, name))
    if (!found) throw notFound(`${zonePath(place)}/disks/${name}`)
    return found
  }

  deleteDisk(place: Place, name: string, change: Change = {}): FakeOperation {
    const disk = this.findDisk(place, name)
    if (this.instances.some(({ resource }) => disk.resource.users.includes(String(resource.selfLink)))) {
      const text = `The disk resource '${zonePath(place)}/disks/${name}' is already being used by an instance`
      throw new ApiError(400, 'resourceInUseByAnotherResource', text)
    }
    const operation = this.#operation(place, 'delete', disk.resource, change, () => {
      this.disks.splice(this.disks.indexOf(disk), 1)
    })
    this.#begin(operation)
    return operation
  }

  #instance(place: Place, name: string): FakeInstance {
    const found = this.instances.find((instance) => isAt(instance, place, name))
    if (!found) throw notFound(`${zonePath(place)}/instances/${name}`)
    return found
  }

  /** @returns Whether the instance is to be seen. */
  #look(instance: FakeInstance): boolean {
    if (instance.hiddenFor > 0) {
      instance.hiddenFor--
      return false
    }
    advance(instance.operation)
    const { resource } = instance
    if (resource.status === 'PROVISIONING') resource.status = 'STAGING'
    return this.instances.includes(instance)
  }

  /** The same request again is answered with its operation, whatever became of it. */
  #known(place: Place, type: string, requestId: string | undefined): FakeOperation | undefined {
    if (requestId === undefined) return undefined
    if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(requestId) || /^[0-]+$/.test(requestId)) {
      throw invalid('requestId', requestId, 'Must be a valid UUID, and not the zero UUID.')
    }
    return this.operations.find(({ project, resource }) => {
      return project === place.project && resource.operationType === type && resource.clientOperationId === requestId
    })
  }

  #operation(
    place: Place,
    type: 'insert' | 'delete',
    target: { name: string; id?: unknown; selfLink?: unknown },
    { requestId, failure }: Change,
    finish: () => void,
  ): FakeOperation {
    const about = { type, link: String(target.selfLink), id: String(target.id), requestId }
    const { project, zone } = place
    return {
      project,
      zone,
      resource: operationResource(this.#id(), place, about),
      target: target.name,
      looksLeft: this.behaviour.looksUntilDone,
      failure,
      finish,
    }
  }

  #begin(operation: FakeOperation): void {
    this.operations.push(operation)
    if (operation.looksLeft === 0) advance(operation)
  }

  #remove(instance: FakeInstance): void {
    const index = this.instances.indexOf(instance)
    // Two requests to delete one instance end both.
    if (index >= 0) this.instances.splice(index, 1)
    const gone = (instance.resource.disks ?? []).flatMap(({ autoDelete, source }) => (autoDelete ? [source] : []))
    const left = this.disks.filter(({ resource }) => !gone.includes(resource.selfLink))
    this.disks.splice(0, this.disks.length, ...left)
  }

  #id(): string {
    return String(BigInt(`0x${randomUUID().replaceAll('-', '').slice(0, 15)}`) + 1n)
  }
}

function isAt(
  thing: { project: string; zone: string; resource: { name: string; id?: unknown } },
  place: Place,
  name: string,
) {
  const { project, zone, resource } = thing
  return project === place.project && zone === place.zone && (resource.name === name || resource.id === name)
}
