import { describe, expect, it } from 'vitest'
import { scratchCloud } from '../testing/scratch-cloud.ts'
import { runCommand } from './commands.ts'
import { readArguments } from './read-arguments.ts'

describe('readArguments', () => {
  it.each([
    ['fault createMachine ResourceExhausted --times 2', { on: 'createMachine', error: 'ResourceExhausted', times: 2 }],
    [
      'fault createMachine ConnectionReset --after',
      { on: 'createMachine', error: 'ConnectionReset', afterExecution: true },
    ],
    [
      'fault deleteMachine --delay 60000 --machine worker-1',
      { on: 'deleteMachine', delayMs: 60_000, machine: 'worker-1' },
    ],
    [
      'fault * Throttled --times always --probability 0.1 --retry-after 500',
      { on: '*', error: 'Throttled', times: 'always', probability: 0.1, retryAfterMs: 500 },
    ],
  ])('reads %s', (line, fault) => {
    expect(readArguments(line.split(' '))).toMatchObject({ name: 'fault', fault })
  })

  it('reads settings as JSON', () => {
    const quotas = [{ per: 'region', instances: 5 }]
    expect(readArguments(['set', 'latencyMs=200', `quotas=${JSON.stringify(quotas)}`])).toMatchObject({
      changes: { latencyMs: 200, quotas },
    })
  })

  it.each([
    ['explode', 'there is no command explode; try mcm-fake-cloud help'],
    ['kill', 'kill takes 1 arguments, not 0; try mcm-fake-cloud help'],
    ['set latencyMs', 'latencyMs is not of the form <setting>=<value>'],
    ['set latencyMs=fast', 'the value of latencyMs is not JSON: fast'],
  ])('refuses %s', (line, message) => {
    expect(() => readArguments(line.split(' '))).toThrow(message)
  })

  it('helps when nothing is said', () => {
    const command = readArguments([])
    expect(command).toMatchObject({ name: 'help', text: expect.stringContaining('mcm-fake-cloud advance <seconds>') })
  })
})

it('rules the cloud', async () => {
  const { endpoint, control } = await scratchCloud()
  const run = async (...args: string[]) => {
    const command = readArguments(['-e', endpoint, ...args])
    if (command.name === 'help') throw new Error('not a command')
    return runCommand(control, command)
  }
  await run('set', 'pageSize=3')
  await run('fault', '*', 'Internal')
  expect(JSON.parse(await run('show'))).toMatchObject({
    endpoint,
    settings: { pageSize: 3 },
    faults: [{ on: '*', error: 'Internal', times: 1 }],
  })
  await run('clear-faults')
  expect(await run('instances', '--all')).toBe('ID  NAME  STATE  TYPE  ZONE  ACCOUNT  TAGS\n')
  await run('advance', '60')
  await run('reset')
  expect(JSON.parse(await run('show'))).toMatchObject({ settings: { pageSize: 100 }, faults: [] })
  await expect(run('kill', 'i-0')).rejects.toThrow('there is no instance i-0')
})
