/**
 * Unit tests of plugins: call one method in memory as a host does. Works with every test runner.
 *
 * @module @mcm/sdk/testing
 */
export { type LoadedPlugin, type LogLine, loadPlugin } from './load-plugin.ts'
export { type ClassParts, classRequest, type MachineParts, machineRequest } from './requests.ts'
