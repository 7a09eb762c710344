/** What an operator writes for endpoints of a private network: the plugin asks for none of these variables. */
export const endpointGrant = {
  pluginPolicy: { grant: { '@mcm/plugin-aws': { env: ['AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL_STS'] } } },
}
