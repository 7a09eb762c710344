import type { CallContext } from '@mcm/sdk'
import type { CloudRequest } from '../messages.ts'

/** Makes the `cloudRequest` that plugins call: it sends the request, and reports how that went. */
export function cloudRequestFunction(report: (request: CloudRequest) => void): CallContext['cloudRequest'] {
  return async (service, send) => {
    const startMs = performance.now()
    let isFailure = true
    try {
      const answer = await send()
      isFailure = false
      return answer
    } finally {
      // A plugin without types can call it anything; a text always gets through the channel.
      report({ service: String(service).slice(0, maxNameLength), ms: performance.now() - startMs, isFailure })
    }
  }
}

// What the host takes for a name; a longer one need not cross the channel.
const maxNameLength = 100
