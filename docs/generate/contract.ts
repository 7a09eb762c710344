import { readFile } from 'node:fs/promises'
import { createFileRegistry, type DescField, type DescFile, type DescMethod, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { getComments } from '@bufbuild/protoplugin'
import { type DriverMethod, methodCodes } from '@mcm/sdk/contract'
import { page, table } from './markdown.ts'

type Commented = Parameters<typeof getComments>[0]

/** The reference of the contract: services, messages and enums with the comments of the protos. */
export async function contractReference(descriptors: string): Promise<string> {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(descriptors)))
  const files = ['driver', 'plugins', 'error', 'kubernetes'].map((name) => {
    const file = registry.getFile(`mcm/driver/v1/${name}.proto`)
    if (!file) throw new Error(`the descriptor set has no ${name}.proto`)
    return file
  })
  return page('The driver contract, `mcm.driver.v1`', 'sdk/proto/mcm/driver/v1 and sdk/src/errors/method-codes.ts', [
    'Field names are those of the JSON form; for Kubernetes objects that is their Kubernetes JSON.',
    ...files.flatMap(describeFile),
  ])
}

function describeFile(file: DescFile): string[] {
  return [
    ...file.services.flatMap((service) => [
      `## Service ${service.name}`,
      comment(service),
      ...service.methods.flatMap((method) => describeMethod(method)),
    ]),
    ...(file.messages.length > 0 ? [`## Messages of ${file.name.split('/').at(-1)}.proto`] : []),
    ...file.messages.flatMap((message) => [
      `### ${message.name}`,
      comment(message),
      ...(message.fields.length === 0 ? [] : [table(['field', 'type', 'meaning'], message.fields.map(describeField))]),
    ]),
    ...file.enums.flatMap((each) => [
      `### ${each.name}`,
      comment(each),
      table(
        ['value', 'name', 'meaning'],
        each.values.map((value) => [String(value.number), `\`${value.name}\``, comment(value)]),
      ),
    ]),
  ]
}

function describeMethod(method: DescMethod): string[] {
  const codes = Object.hasOwn(methodCodes, method.localName) ? methodCodes[method.localName as DriverMethod] : []
  return [
    `### ${method.name}`,
    `[\`${method.input.name}\`](#${method.input.name.toLowerCase()}) → [\`${method.output.name}\`](#${method.output.name.toLowerCase()})`,
    comment(method),
    ...(codes.length === 0
      ? []
      : [
          table(
            ['code', 'when', 'what the controller does', 'tries again'],
            codes.map(({ code, condition, recovery, retry }) => [`\`${code}\``, condition, recovery, retry]),
          ),
          ...codes
            .filter(({ isRepeated }) => isRepeated)
            .map(({ code }) => {
              return `The host repeats the call itself, at most twice, where the cloud answered \`${code}\` or the plugin ended.`
            }),
        ]),
  ]
}

function describeField(field: DescField): string[] {
  return [`\`${field.jsonName}\``, typeOf(field), comment(field)]
}

function typeOf(field: DescField): string {
  const single = (name: string) =>
    name.startsWith('mcm.') ? `[${last(name)}](#${last(name).toLowerCase()})` : last(name)
  const element = field.message
    ? single(field.message.typeName)
    : field.enum
      ? single(field.enum.typeName)
      : scalar(field)
  if (field.fieldKind === 'map') return `object of ${element}`
  return field.fieldKind === 'list' ? `list of ${element}` : element
}

function scalar({ proto }: DescField): string {
  // By protobuf's numbers: double, bool, string, bytes, int32. The contract has no others.
  return { 1: 'number', 8: 'bool', 9: 'string', 12: 'bytes', 5: 'int32' }[proto.type as number] ?? String(proto.type)
}

function last(name: string): string {
  return name.split('.').at(-1) ?? name
}

function comment(of: Commented): string {
  const text = getComments(of).leading ?? ''
  return text.replaceAll(/^ /gm, '').trim()
}
