/** Version of this copy of the SDK; a test holds it to package.json. A plugin brings it along in its `hello`. */
export const sdkVersion = '0.1.0'
