import type { MachineCode } from '@mcm/sdk'
import { adviceFor, MachineCodes } from '@mcm/sdk/contract'
import { hostErrors } from '../../host/src/host-error.ts'
import { page, table } from './markdown.ts'

/** The reference of errors: machine codes, and the reasons of the host's own errors. */
export function errorReference(): string {
  const names = Object.keys(MachineCodes) as MachineCode[]
  return page('Errors', 'sdk/src/errors and host/src/host-error.ts', [
    'Every failed call carries an [`ErrorDetail`](contract.md#errordetail). Its `code` says what kind of failure it is, its `reason` narrows that down, its `source` says who is to blame, and its `retry` says what to do.',
    "Over HTTP, JSON that is no request at all gets the Connect protocol's own error, without a detail: its text names the field.",
    '## Codes',
    'The numbers are those of gRPC, and 17, which gRPC does not have: it travels as status 9 (`FAILED_PRECONDITION`) with the code 17 in the detail. Which method answers which code, and when, is in [the contract](contract.md).',
    table(
      ['number', 'code', 'retry, unless the detail says otherwise'],
      names.map((name) => [String(MachineCodes[name]), `\`${name}\``, name === 'OK' ? '–' : adviceFor(name)]),
    ),
    '`soon` means seconds, `later` minutes, `after-change` not before the request has changed.',
    "## Reasons of the host's own errors",
    'A plugin gives reasons too: usually the error code of its cloud.',
    table(
      ['reason', 'code', 'what it means, and what to do'],
      Object.entries(hostErrors).map(([reason, { code, explanation }]) => [
        `\`${reason}\``,
        `\`${code}\``,
        explanation,
      ]),
    ),
  ])
}
