/** The environment of a plugin: what programs need to find their way, and what it was granted by name. */
export function pluginEnvironment(env: NodeJS.ProcessEnv, granted: readonly string[]): Record<string, string> {
  const names = new Set([...commonVariables, ...granted])
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const value = env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

// Anything else, such as cloud credentials of the host's own environment, a plugin gets only by name.
const commonVariables = [
  'HOME',
  'LANG',
  'LC_ALL',
  'PATH',
  'TZ',
  'USER',
  'XDG_CACHE_HOME',
  'XDG_RUNTIME_DIR',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]
