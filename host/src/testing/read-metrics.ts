/** A family of a page of metrics. */
export interface MetricFamily {
  type: string
  help: string
  /** Values by the name and labels of their series, for example `calls_total{code="OK"}`. */
  values: Record<string, number>
}

/** Reads Prometheus' text format. Throws on a line that does not belong there. */
export function readMetrics(text: string): Record<string, MetricFamily> {
  const families: Record<string, MetricFamily> = {}
  let current: { name: string; family: MetricFamily } | undefined
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, help, helpText = ''] = /^# HELP (\w+) (.+)$/.exec(line) ?? []
    if (help) {
      if (families[help]) throw new Error(`${help} comes twice`)
      const family = { type: '', help: helpText, values: {} }
      families[help] = family
      current = { name: help, family }
      continue
    }
    const [, typed, type = ''] = /^# TYPE (\w+) (\w+)$/.exec(line) ?? []
    const [, series = '', name = '', value = ''] = /^((\w+)(?:\{.*\})?) (\S+)$/.exec(line) ?? []
    if (!current || !(typed ?? name).startsWith(current.name)) throw new Error(`this line has no place here: ${line}`)
    if (typed) current.family.type = type
    else if (series in current.family.values) throw new Error(`${series} comes twice`)
    else current.family.values[series] = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
  }
  return families
}

/** The values of a counter or gauge, by their labels alone: `code="OK"`. */
export function valuesOf(families: Record<string, MetricFamily>, name: string): Record<string, number> {
  const { values = {} } = families[name] ?? {}
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key.slice(name.length + 1, -1), value]))
}
