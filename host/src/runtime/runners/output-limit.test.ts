import { PassThrough } from 'node:stream'
import { expect, it, vi } from 'vitest'
import { OutputLimit } from './output-limit.ts'

it('lets the first lines of a second pass, counts the others, and stops reading a flood', () => {
  vi.useFakeTimers()
  const stream = new PassThrough()
  const told: string[] = []
  const limit = new OutputLimit([stream], (line) => told.push(line))
  const passed = (count: number) => Array.from({ length: count }, () => limit.take()).filter(Boolean).length
  stream.resume()
  expect(passed(1000)).toBe(200)
  expect([told, stream.isPaused()]).toEqual([[], false])
  vi.advanceTimersByTime(1000)
  expect(told).toEqual(['… 800 more lines within a second were dropped'])
  expect(passed(20_000)).toBe(200)
  expect(stream.isPaused()).toBe(true)
  vi.advanceTimersByTime(1000)
  expect(stream.isPaused()).toBe(false)
  expect(passed(200)).toBe(200)
  limit.close()
  expect(told).toHaveLength(2)
  vi.useRealTimers()
})
