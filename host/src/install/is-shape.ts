import type { Static, TSchema } from '@mcm/sdk'
import { compileSchema } from '@mcm/sdk/schema'

/** Whether somebody else's JSON has the parts that we use. */
export function isShape<Schema extends TSchema>(schema: Schema, json: unknown): json is Static<Schema> {
  return compileSchema(schema)(json)
}
