import { readFileSync } from 'node:fs'
import type { MachineCode } from '@mcm/sdk'

/** One conversation of the original driver: what it was given, what it sent, what it was answered, what it said. */
export interface RecordedCase<Request = AwsRequest> {
  id: string
  cloud: 'aws' | 'gcp'
  method: string
  group: string
  title: string
  /** Rows of the test catalogue that it shows. */
  catalogue?: string
  input: RecordedInput
  requests: Request[]
  /** The answer to the request at the same place. */
  replies: RecordedReply[]
  outcome: {
    response: Record<string, unknown> | null
    error: RecordedError | null
    panic: string | null
  }
}

export interface RecordedInput {
  machineClass?: Record<string, unknown>
  /** The very bytes of the providerSpec, which the class then lacks. */
  providerSpecRaw?: string
  secret?: { data: Record<string, string>; dataBase64?: Record<string, string> } | null
  machine?: Record<string, unknown>
  pvSpecs?: unknown[] | null
  env?: Record<string, string>
  files?: Record<string, string>
  deadlineMs?: number
  /** `oauth`: the driver fetches its token itself. */
  auth?: 'oauth'
  /** The wait after a launch is shortened to this. */
  consistencyWaitMs?: number
}

/** One HTTP request to AWS, normalised. */
export interface AwsRequest {
  service: string
  action: string
  version: string
  params: Record<string, string>
  auth: Record<string, string> | null
  /** It may come any number of times. */
  atLeast?: 1
}

/** One HTTP request to Google, normalised. */
export interface GcpRequest {
  call: 'insert' | 'list' | 'get' | 'delete' | 'getOperation' | 'token' | 'other'
  method: string
  /** As on the wire. */
  path: string
  query: Record<string, string>
  body: unknown
  authorization?: string | null
  /** It may come any number of times. */
  atLeast?: 1
}

export interface RecordedReply {
  status?: number
  contentType?: string
  /** A text, or what is sent as JSON. */
  body?: unknown
  /** Closes the connection without an answer. */
  close?: true
  delayMs?: number
}

export interface RecordedError {
  code: MachineCode
  message: string
  /** Whose words the message is made of. */
  origin: 'driver' | 'go-json' | 'aws-sdk' | 'google-api' | 'go-oauth2' | 'go-net'
}

/** All cases of a cloud. */
export function readCases<Request>(cloud: string): RecordedCase<Request>[] {
  const lines = readFileSync(new URL(`./${cloud}-cases.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
  // Recorded by a program, in this form.
  return lines.map((line) => JSON.parse(line) as RecordedCase<Request>)
}
