import type { Codec } from './codec.ts'

/**
 * One procedure of libvirtd as data.
 * `lane` says which of the two connections carries it: quick looks must not wait behind slow changes.
 */
export interface Procedure<Args, Reply> {
  readonly name: string
  readonly number: number
  readonly lane: 'read' | 'write'
  readonly args: Codec<Args>
  readonly reply: Codec<Reply>
}

export const remoteProgram = { number: 0x2000_8086, version: 1 } as const
export const keepaliveProgram = { number: 0x6b65_6570, version: 1, ping: 1, pong: 2 } as const
