/** What a metric is. docs/reference/metrics.md is generated from these. */
export interface MetricDefinition<Label extends string = string> {
  type: 'counter' | 'gauge' | 'histogram'
  name: string
  help: string
  labels: readonly Label[]
  /** Upper bounds of a histogram's buckets, in seconds. */
  buckets?: readonly number[]
}

const define = <const Label extends string>(definition: MetricDefinition<Label>) => definition
const pluginLabels = ['provider', 'plugin', 'version'] as const

/** The default buckets of Prometheus' Go client, which upstream's histograms have. */
const goBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What the host says of itself and its plugins. */
export const hostMetrics = {
  build: define({
    type: 'gauge',
    name: 'mcm_host_build_info',
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'node_version'],
  }),
  calls: define({
    type: 'counter',
    name: 'mcm_host_calls_total',
    help: 'Calls of the driver contract that have ended, by how they ended.',
    labels: ['provider', 'method', 'code', 'source'],
  }),
  callSeconds: define({
    type: 'histogram',
    name: 'mcm_host_call_duration_seconds',
    help: 'How long calls took their callers, however they ended.',
    labels: ['provider', 'method'],
    // From a call that only passes through to the creation of a slow VM.
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200],
  }),
  callsInFlight: define({
    type: 'gauge',
    name: 'mcm_host_calls_in_flight',
    help: 'Calls whose callers wait now.',
    labels: ['provider', 'method'],
  }),
  pluginState: define({
    type: 'gauge',
    name: 'mcm_host_plugin_state',
    help: 'One series per state: 1 for the state that the plugin is in, 0 for the others.',
    labels: [...pluginLabels, 'state'],
  }),
  pluginRestarts: define({
    type: 'counter',
    name: 'mcm_host_plugin_restarts_total',
    help: 'How often the plugin was started again.',
    labels: pluginLabels,
  }),
  pluginMemory: define({
    type: 'gauge',
    name: 'mcm_host_plugin_memory_bytes',
    help: "Resident memory of the plugin's processes; absent while none runs, and where the system does not tell.",
    labels: pluginLabels,
  }),
  pluginRunning: define({
    type: 'gauge',
    name: 'mcm_host_plugin_running_calls',
    help: 'Calls that the plugin works on, also those whose callers have gone.',
    labels: pluginLabels,
  }),
  pluginQueue: define({
    type: 'gauge',
    name: 'mcm_host_plugin_queued_calls',
    help: 'Calls that wait for their turn.',
    labels: pluginLabels,
  }),
  pluginCircuits: define({
    type: 'gauge',
    name: 'mcm_host_plugin_open_circuits',
    help: 'Credentials whose calls are refused for a while, since their cloud was away or throttled them.',
    labels: pluginLabels,
  }),
}

/** The metrics of upstream's drivers, exactly by name and label, so that dashboards and alerts stay as they are. */
export const upstreamMetrics = {
  driverSeconds: define({
    type: 'histogram',
    name: 'mcm_cloud_api_driver_request_duration_seconds',
    help: 'How long calls of a driver took that succeeded, waiting for their turn included.',
    labels: ['provider', 'operation'],
    buckets: goBuckets,
  }),
  driverFailures: define({
    type: 'counter',
    name: 'mcm_cloud_api_driver_requests_failed_total',
    help: 'Calls of a driver that failed, by machine code.',
    labels: ['provider', 'operation', 'error_code'],
  }),
  cloudRequests: define({
    type: 'counter',
    name: 'mcm_cloud_api_requests_total',
    help: 'Requests to the API of the cloud that succeeded, as plugins report them.',
    labels: ['provider', 'service'],
  }),
  cloudFailures: define({
    type: 'counter',
    name: 'mcm_cloud_api_requests_failed_total',
    help: 'Requests to the API of the cloud that failed, as plugins report them.',
    labels: ['provider', 'service'],
  }),
  cloudSeconds: define({
    type: 'histogram',
    name: 'mcm_cloud_api_api_request_duration_seconds',
    help: 'How long requests to the API of the cloud took that succeeded.',
    labels: ['provider', 'service'],
    buckets: goBuckets,
  }),
}
