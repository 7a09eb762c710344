import { hostMetrics, type MetricDefinition, upstreamMetrics } from '../../host/src/metrics/definitions.ts'
import { page, table } from './markdown.ts'

/** The reference of metrics, from their definitions. */
export function metricsReference(): string {
  return page('Metrics', 'host/src/metrics/definitions.ts', [
    '`GET /metrics` answers in the text format of Prometheus. Where, and how to scrape it, is in [Run the host](../guides/run-the-host.md#metrics).',
    'Labels have values that the host knows, so that neither callers nor plugins can make series without end. `provider` is the name of its own that a plugin has, also for calls that used an alias; `unknown` for calls that no plugin serves; empty for calls that name none. `code` is a [machine code](errors.md#codes) or `OK`; `source` is `host`, `plugin` or `cloud`, and empty for calls that succeeded.',
    '## Host and plugins',
    metricTable(hostMetrics),
    'The buckets of `mcm_host_call_duration_seconds`: ' +
      `${(hostMetrics.callSeconds.buckets ?? []).join(', ')} seconds.`,
    "## Upstream's driver metrics",
    "Names and labels are those of upstream's drivers, and histograms have the default buckets of Prometheus' Go client. As there, a failure only counts as a failure: it has no duration, and is not among the requests. `operation` is `create_machine`, `initialize_machine`, `delete_machine`, `get_machine_status`, `list_machine` or `get_volume_ids`; `error_code` is the number of a [machine code](errors.md#codes); `service` is what the plugin calls the request, and `other` for what comes after 200 names of a provider.",
    metricTable(upstreamMetrics),
    '## Process',
    'The host has also the metrics of its process and of Node that `prom-client` collects: `process_*` and `nodejs_*`, such as `process_resident_memory_bytes` and `nodejs_eventloop_lag_p99_seconds`. Those of the event loop and of garbage collection begin with the first scrape.',
  ])
}

function metricTable(definitions: Record<string, MetricDefinition>): string {
  return table(
    ['name', 'type', 'labels', 'meaning'],
    Object.values(definitions).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  )
}
