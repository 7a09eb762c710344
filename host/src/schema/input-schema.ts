/**
 * The schema as authors of MachineClasses need it: what has a default may be left out. A plugin's own schema describes
 * the spec that the plugin gets, in which every default has been filled in, and so calls those fields required.
 */
export function inputSchema<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(inputSchema) as T
  if (!isObject(schema)) return schema
  const shown = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inputSchema(value)]))
  const { required, properties } = schema
  if (!Array.isArray(required) || !isObject(properties)) return shown as T
  const needed = required.filter((name) => {
    const property = properties[name]
    return !(isObject(property) && 'default' in property)
  })
  const { required: _, ...rest } = shown
  return (needed.length > 0 ? { ...shown, required: needed } : rest) as T
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
