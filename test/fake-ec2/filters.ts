import type { Filter } from '@aws-sdk/client-ec2'
import type { FakeInstance } from './instance.ts'
import { QueryError } from './query-error.ts'

/** Whether an instance passes all filters. Each passes with any of its values; `*` and `?` are wildcards. */
export function passes(instance: FakeInstance, filters: readonly Filter[]): boolean {
  return filters.every(({ Name = '', Values = [] }) => {
    const found = valuesOf(instance, Name)
    return Values.some((pattern) => found.some((value) => matches(pattern, value)))
  })
}

function valuesOf({ id, state, tags }: FakeInstance, filter: string): string[] {
  if (filter === 'instance-id') return [id]
  if (filter === 'instance-state-name') return [state]
  if (filter === 'tag-key') return tags.map(({ Key = '' }) => Key)
  if (filter.startsWith('tag:')) {
    return tags.flatMap(({ Key, Value = '' }) => (Key === filter.slice('tag:'.length) ? [Value] : []))
  }
  throw new QueryError('InvalidParameterValue', `The filter '${filter}' is invalid`)
}

function matches(pattern: string, value: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${escaped}$`, 's').test(value)
}
