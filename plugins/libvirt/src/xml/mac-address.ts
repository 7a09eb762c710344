import { createHash } from 'node:crypto'

/**
 * The same address for the same machine and interface each time, so that a machine which is defined again keeps its
 * DHCP lease. Within the range that QEMU uses for its guests.
 */
export function macAddress(uuid: string, index = 0): string {
  const digest = createHash('sha256').update(`${uuid.toLowerCase()}/${index}`).digest()
  return ['52', '54', '00', ...[...digest.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
}
