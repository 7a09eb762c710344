import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { builtFile } from './testing/built-program.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

describe('the samples in kubernetes/', () => {
  it.each(readdirSync(`${root}kubernetes`))('of %s are complete, and valid for the plugin', (provider) => {
    // Folders in it have more of them, each with a test of its own.
    expect(readdirSync(`${root}kubernetes/${provider}`).filter((name) => name.endsWith('.yaml'))).toEqual([
      'machine-class.yaml',
      'machine-deployment.yaml',
      'machine.yaml',
      'secret.yaml',
    ])
    const args = ['validate', '-f', `kubernetes/${provider}`, '--plugin', `plugins/${provider}`]
    const { status, stdout } = spawnSync(process.execPath, [builtFile('host/bin/mcm.js'), ...args], {
      cwd: root,
      encoding: 'utf8',
    })
    expect(stdout).toBe(`kubernetes/${provider}/machine-class.yaml: MachineClass ${provider}-worker is valid\n`)
    expect(status).toBe(0)
  })
})
