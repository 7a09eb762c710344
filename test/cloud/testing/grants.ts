/** What an operator writes for endpoints of a private network: the plugin asks for none of these variables. */
export const endpointGrant = {
  pluginPolicy: { grant: { '@mcm/plugin-aws': { env: ['AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL_STS'] } } },
}

/** Where a fake Compute and its token services stand in for Google's. */
export function computeEndpoints(url: string): Record<string, string> {
  return {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${url}/compute/v1/`,
    CLOUDSDK_AUTH_TOKEN_HOST: `${url}/token`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STS: `${url}/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: `${url}/`,
  }
}

/** What an operator writes for them. */
export const computeGrant = {
  pluginPolicy: { grant: { '@mcm/plugin-gcp': { env: Object.keys(computeEndpoints('')) } } },
}
