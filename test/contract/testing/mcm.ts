import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { builtFile } from './built-program.ts'

/** Runs `mcm` with arguments, as the program that ships. */
export async function mcm(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [builtFile('host/bin/mcm.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...output }
}
