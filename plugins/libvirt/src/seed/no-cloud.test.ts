import { expect, test } from 'vitest'
import { noCloudSeed } from './no-cloud.ts'

const seed = (userData?: string, hostname = 'node-1') =>
  noCloudSeed({ instanceId: 'id', hostname, userData: userData === undefined ? undefined : Buffer.from(userData) })

test('holds who the guest is and what it does', () => {
  const text = seed('#!/bin/sh\necho hello\n').toString('latin1')
  expect(text).toContain('instance-id: "id"\nlocal-hostname: "node-1"\n')
  expect(text).toContain('#!/bin/sh\necho hello\n')
})

test.each(['null', '1e3', 'true', '0x1f'])('host name %s stays a text', (hostname) => {
  expect(seed(undefined, hostname).toString('latin1')).toContain(`local-hostname: "${hostname}"\n`)
})

test('is a seed without user data too', () => {
  expect(seed().toString('latin1')).toContain('#cloud-config\n{}\n')
})

test('user data is taken byte by byte', () => {
  const userData = Buffer.from([0x1f, 0x8b, 0, 0xff, 0xfe, 10])
  expect(noCloudSeed({ instanceId: 'i', hostname: 'h', userData }).includes(userData)).toBe(true)
})

test('depends on nothing but what it is given', () => {
  expect(seed('a').equals(seed('a'))).toBe(true)
  expect(seed('a').equals(seed('b'))).toBe(false)
})
