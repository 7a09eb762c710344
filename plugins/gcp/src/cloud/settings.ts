/**
 * Where Google's services are. The variables, whose names are those of the gcloud CLI, are there only where the operator
 * grants them; the last says where the host has the token of a workload identity.
 */
export function endpoints(env: NodeJS.ProcessEnv = process.env) {
  return {
    compute: env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE || 'https://compute.googleapis.com/compute/v1/',
    token: env.CLOUDSDK_AUTH_TOKEN_HOST || 'https://oauth2.googleapis.com/token',
    sts: env.CLOUDSDK_API_ENDPOINT_OVERRIDES_STS || 'https://sts.googleapis.com/',
    iamCredentials: env.CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS || 'https://iamcredentials.googleapis.com/',
    tokenFile: env.MCM_GCP_TOKEN_FILE || '/var/run/secrets/gardener.cloud/workload-identity/token',
  }
}
