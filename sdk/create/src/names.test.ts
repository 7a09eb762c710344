import { expect, it } from 'vitest'
import { defaultNames, type Names, problemOf } from './names.ts'

it.each<[keyof Names, string, boolean]>([
  ['cloud', 'my-cloud', true],
  ['cloud', 'c', true],
  ['cloud', '', false],
  ['cloud', '1cloud', false],
  ['cloud', 'My', false],
  ['cloud', 'my-', false],
  ['cloud', 'a'.repeat(41), false],
  ['cloud', '../x', false],
  ['package', '@acme/plugin-x', true],
  ['package', 'Upper', false],
  ['package', '../x', false],
  ['package', 'node_modules', false],
  ['provider', 'AWS', true],
  ['provider', "x'y", false],
  ['provider', '', false],
  ['author', 'Jürgen O’Neill', true],
  ['author', 'a\nb', false],
])('%s %j will do: %s', (key, name, isGood) => {
  expect(problemOf[key](name) === undefined).toBe(isGood)
})

it('has names that follow from the cloud and will do', () => {
  const names = defaultNames('my-cloud')
  expect(names).toEqual({
    cloud: 'my-cloud',
    package: 'mcm-plugin-my-cloud',
    provider: 'my-cloud',
    author: 'the authors of mcm-plugin-my-cloud',
  })
  for (const key of ['cloud', 'package', 'provider', 'author'] as const)
    expect(problemOf[key](names[key])).toBeUndefined()
})
