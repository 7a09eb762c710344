/**
 * Checking classes against a plugin's schema. For the host, which takes it in, and for `@mcm/sdk/testing`; not an entry of
 * the published package.
 *
 * @packageDocumentation
 */
export { ClassValidator, permittedSecretData, secretData } from './class-validator.ts'
export { compileSchema, describeErrors, pathSegment, type ValidateFunction } from './json-schema.ts'
