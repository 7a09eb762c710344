import { linkBase, type Place, zonePath } from './place.ts'

/** How an operation fails, after it has been accepted. */
export interface OperationFailure {
  /** The errors that it ends with. There may be none, as Compute has been seen to do. */
  errors: { code: string; message?: string }[]
  httpErrorStatusCode?: number
  httpErrorMessage?: string
  /** It ends without the field `error`: only the HTTP status tells. */
  hasNoErrorField?: boolean
}

/** An operation of a zone, and what only the fake knows. */
export interface FakeOperation {
  project: string
  zone: string
  resource: OperationResource
  /** Name of the instance or disk that it is about. */
  target: string
  /** Looks after which it is done. */
  looksLeft: number
  failure: OperationFailure | undefined
  /** Its effect, once. */
  finish(): void
}

interface OperationResource {
  [field: string]: unknown
  name: string
  id: string
  status: 'PENDING' | 'RUNNING' | 'DONE'
}

export function operationResource(
  id: string,
  place: Place,
  target: { type: 'insert' | 'delete'; link: string; id: string; requestId: string | undefined },
): OperationResource {
  const path = zonePath(place)
  const name = `operation-${id}`
  return {
    kind: 'compute#operation',
    id,
    name,
    operationType: target.type,
    status: 'PENDING',
    progress: 0,
    user: place.user,
    insertTime: new Date().toISOString(),
    targetLink: target.link,
    targetId: target.id,
    zone: linkBase + path,
    selfLink: `${linkBase}${path}/operations/${name}`,
    ...(target.requestId !== undefined && { clientOperationId: target.requestId }),
  }
}

/** Each look brings an operation a step further. */
export function advance(operation: FakeOperation): void {
  const { resource, failure } = operation
  if (resource.status === 'DONE') return
  operation.looksLeft--
  const now = new Date().toISOString()
  if (operation.looksLeft > 0) {
    Object.assign(resource, { status: 'RUNNING', progress: 50, startTime: resource.startTime ?? now })
    return
  }
  Object.assign(resource, { status: 'DONE', progress: 100, startTime: resource.startTime ?? now, endTime: now })
  if (failure) {
    const { errors, hasNoErrorField, ...http } = failure
    Object.assign(resource, http, hasNoErrorField ? {} : { error: { errors } })
  }
  operation.finish()
}
