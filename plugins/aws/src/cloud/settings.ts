/**
 * What both SDK clients are told. All that they would otherwise look for in the environment and in `~/.aws` is said
 * here, so that nothing of the machine's own set-up, and above all no credential, takes part. The four variables are
 * there only where the operator grants them.
 */
export function clientSettings(service: 'EC2' | 'STS', region: string, env: NodeJS.ProcessEnv = process.env) {
  const endpoint = env[`AWS_ENDPOINT_URL_${service}`]
  return {
    region,
    ...(endpoint && { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: env.AWS_USE_FIPS_ENDPOINT === 'true',
    useDualstackEndpoint: env.AWS_USE_DUALSTACK_ENDPOINT === 'true',
    // Repeated by `Ec2.send`, whose pauses end with the call.
    maxAttempts: 1,
    retryMode: 'standard',
    defaultsMode: 'standard' as const,
    authSchemePreference: ['sigv4'],
    userAgentAppId: 'mcm-plugin-aws',
    requestHandler: {
      // Node's agents know the usual variables for proxies; the library does not.
      httpAgent: { keepAlive: true, proxyEnv: env },
      httpsAgent: { keepAlive: true, proxyEnv: env },
      connectionTimeout: 5_000,
      requestTimeout: 60_000,
      throwOnRequestTimeout: true,
    },
  }
}
