import { readFile } from 'node:fs/promises'
import { descriptionFile } from './google-packages.ts'

/** A type in Google's discovery document: JSON Schema of an early draft, and Google's formats. */
export interface Type {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any'
  $ref?: string
  format?: string
  enum?: string[]
  items?: Type
  properties?: Record<string, Type>
  additionalProperties?: Type
  readOnly?: boolean
}

export interface Parameter extends Type {
  location: 'path' | 'query'
  required?: boolean
  repeated?: boolean
  pattern?: string
  minimum?: string
  maximum?: string
}

export interface Method {
  /** `compute.instances.insert` */
  id: string
  httpMethod: string
  /** `projects/{project}/zones/{zone}/instances` */
  flatPath: string
  parameters: Record<string, Parameter>
  request?: { $ref: string }
  response?: { $ref: string }
}

/** What Google publishes about Compute, as far as it is used here. */
export interface Description {
  servicePath: string
  /** Those that every method takes. */
  parameters: Record<string, Parameter>
  schemas: Record<string, Type>
  resources: Record<string, { methods: Record<string, Method> }>
}

/** Google's discovery document of Compute, which is installed when it is not there yet. */
export async function loadDescription(): Promise<Description> {
  const file = await descriptionFile({
    signal: AbortSignal.timeout(600_000),
    // Nobody is there to be asked. The tests' set-up has installed what Debian lacks.
    confirm: async () => false,
    log: () => {},
  })
  return JSON.parse(await readFile(file, 'utf8'))
}
