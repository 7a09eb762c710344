import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { MetricDefinition } from './definitions.ts'

/** Makes the counter of a definition. */
export function counter<L extends string>(definition: MetricDefinition<L>, registry: Registry): Counter<L> {
  return new Counter(options(definition, registry))
}

/** Makes the gauge of a definition. */
export function gauge<L extends string>(definition: MetricDefinition<L>, registry: Registry): Gauge<L> {
  return new Gauge(options(definition, registry))
}

/** Makes the histogram of a definition. */
export function histogram<L extends string>(definition: MetricDefinition<L>, registry: Registry): Histogram<L> {
  const { buckets = [] } = definition
  return new Histogram({ ...options(definition, registry), buckets: [...buckets] })
}

function options<L extends string>({ name, help, labels }: MetricDefinition<L>, registry: Registry) {
  // Never the library's global registry: several hosts may live in one process.
  return { name, help, labelNames: labels, registers: [registry] }
}
