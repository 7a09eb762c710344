import type { IncomingMessage } from 'node:http'
import type { GcpRequest } from './recorded-case.ts'
import type { Protocol } from './replay-server.ts'

/** How requests to Google are read. A wait for an operation stands for a look at it. */
export const gcpProtocol: Protocol<GcpRequest> = {
  read: readRequest,
  kindOf: ({ call }) => call,
  contentType: 'application/json; charset=UTF-8',
}

function readRequest({ method = '', url = '', headers }: IncomingMessage, text: string): GcpRequest {
  const { pathname, searchParams } = new URL(url, 'http://replay')
  // What clients add by themselves.
  for (const name of ['alt', 'prettyPrint']) searchParams.delete(name)
  return {
    call: callOf(method, pathname),
    method,
    path: pathname,
    query: Object.fromEntries(searchParams),
    body: text === '' || headers['content-type']?.includes('form') ? null : JSON.parse(text),
  }
}

function callOf(method: string, path: string): GcpRequest['call'] {
  if (/\/operations\/[^/]*(\/wait)?$/.test(path)) return 'getOperation'
  if (path.endsWith('/instances')) return method === 'POST' ? 'insert' : 'list'
  if (/\/instances\/[^/]*$/.test(path)) return method === 'DELETE' ? 'delete' : 'get'
  return path.endsWith('/token') || path.endsWith(':generateAccessToken') ? 'token' : 'other'
}
