/**
 * For plugins that take a Go provider's place: classes are read, and what is wrong with them is told, as it does.
 *
 * @module @mcm/sdk/go
 */
export { decodeSpec } from './decode-spec.ts'
export { forbidden, invalid, required, unsupported } from './field-errors.ts'
