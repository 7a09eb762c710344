// The build makes one file of this and the library: its hundreds of modules are most of a small plugin's time to start.
export { type Static, type TSchema, Type } from 'typebox'
