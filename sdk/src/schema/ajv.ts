// Bundled into the package by the build: six packages fewer for every plugin.
export { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
export { default as addFormats } from 'ajv-formats'
