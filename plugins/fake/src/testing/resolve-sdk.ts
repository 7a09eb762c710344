// Lets a process of a test run on the sources, without a build.
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    const sdk = new URL('../../../../sdk/src/index.ts', import.meta.url).href
    return next(specifier === '@mcm/sdk' ? sdk : specifier, context)
  },
})
