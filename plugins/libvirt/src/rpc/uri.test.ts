import { describe, expect, test } from 'vitest'
import { ConnectFailed } from './errors.ts'
import { parseUri } from './uri.ts'

const user = { env: { XDG_RUNTIME_DIR: '/run/user/1000', HOME: '/home/u' }, uid: 1000 }
const root = { env: { XDG_RUNTIME_DIR: '/run/user/0', HOME: '/root' }, uid: 0 }
const bare = { env: { HOME: '/home/u' }, uid: 1000 }

describe('which socket a URI leads to', () => {
  const system = '/var/run/libvirt/libvirt-sock or /var/run/libvirt/virtqemud-sock'
  test.each([
    ['qemu:///system', user, system],
    ['qemu+unix:///system', user, system],
    ['qemu:///session', user, '/run/user/1000/libvirt/libvirt-sock or /run/user/1000/libvirt/virtqemud-sock'],
    ['qemu:///session', bare, '/home/u/.cache/libvirt/libvirt-sock or /home/u/.cache/libvirt/virtqemud-sock'],
    ['qemu:///session', root, system],
    ['qemu+unix:///session?socket=/tmp/a%20b+c/s', user, '/tmp/a b+c/s'],
    ['qemu+unix:///system?socket=/x=y', root, '/x=y'],
  ])('%s', (uri, surroundings, sockets) => {
    expect(parseUri(uri, surroundings).transport.description).toBe(sockets)
  })

  test('libvirtd hears the URI without transport and socket', () => {
    expect(parseUri('qemu+unix:///session?socket=/s', user).name).toBe('qemu:///session')
  })
})

test.each([
  '',
  'qemu',
  'qemu://',
  'qemu:///',
  'qemu:///other',
  'test:///default',
  'qemu+ssh://host/system',
  'qemu+tls://host/system',
  'qemu://host/system',
  'qemu:///system?mode=legacy',
  'qemu:///system?socket=',
  'qemu:///system?socket=relative',
  'qemu:///system?socket=/a%00b',
  'qemu:///system?socket=%zz',
])('refuses %j', (uri) => {
  expect(() => parseUri(uri, user)).toThrow(expect.objectContaining({ name: 'ConnectFailed', reason: 'bad-uri' }))
  expect(() => parseUri(uri, user)).toThrow(ConnectFailed)
})

test.each([
  ['no socket', '/nonexistent/libvirt-sock'],
  ['a socket path that is too long for the system', `/tmp/${'x'.repeat(200)}`],
])('%s: connecting fails with a reason', async (_name, path) => {
  const { transport } = parseUri(`qemu+unix:///session?socket=${path}`, user)
  await expect(transport.connect()).rejects.toThrow(ConnectFailed)
})
