import { expect, it } from 'vitest'
import { SecretMemory } from './secret-memory.ts'

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

it('knows the secrets of running calls, however many', () => {
  const memory = new SecretMemory()
  for (let i = 100; i < 300; i++) memory.hold({ token: bytes(`token-${i}`) })
  expect(memory.redact('token-100 token-299')).toBe('[redacted: token] [redacted: token]')
})

it('knows a secret after its call, until 64 others of its key have come', () => {
  const memory = new SecretMemory()
  memory.hold({ token: bytes('token-of-old') })()
  for (let i = 100; i < 163; i++) memory.hold({ token: bytes(`token-${i}`) })()
  expect(memory.redact('token-of-old token-100')).toBe('[redacted: token] [redacted: token]')
  memory.hold({ token: bytes('token-of-new') })()
  expect(memory.redact('token-of-old token-100')).toBe('token-of-old [redacted: token]')
})

it('counts values, not calls, and each key by itself', () => {
  const memory = new SecretMemory()
  memory.hold({ token: bytes('token-of-old') })()
  for (let i = 100; i < 300; i++) memory.hold({ token: bytes('token-of-new'), userData: bytes(`data-${i}`) })()
  expect(memory.redact('token-of-old data-299')).toBe('[redacted: token] [redacted: userData]')
})

it('keeps a value that a call still has, when another call with it ends', () => {
  const memory = new SecretMemory()
  memory.hold({ token: bytes('token-of-old') })
  memory.hold({ token: bytes('token-of-old') })()
  for (let i = 100; i < 300; i++) memory.hold({ token: bytes(`token-${i}`) })()
  expect(memory.redact('token-of-old')).toBe('[redacted: token]')
})

it('keeps a line that another value has too, when one is forgotten', () => {
  const memory = new SecretMemory()
  const line = 'a line that all have'
  memory.hold({ userData: bytes(`1st\n${line}`) })()
  expect(memory.redact(line)).toBe('[redacted: userData]')
  for (let i = 100; i < 300; i++) memory.hold({ userData: bytes(`${i}\n${line}`) })()
  expect(memory.redact(line)).toBe('[redacted: userData]')
})

it('forgets', () => {
  const memory = new SecretMemory()
  memory.hold({ token: bytes('token-of-old') })
  expect(memory.redact('token-of-old')).toBe('[redacted: token]')
  memory.forget()
  expect(memory.redact('token-of-old')).toBe('token-of-old')
})
