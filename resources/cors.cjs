/** What browsers may send and read, whatever page calls. */
const SENT = ['authorization', 'content-type', 'prefer', 'traceparent', 'x-request-id'];
const READ = ['preference-applied', 'retry-after', 'www-authenticate', 'x-request-id'];

/** What API Gateway says to browsers, by the stage parameters `corsOrigins` and `corsHeaders`. Nothing without an origin. */
module.exports = async ({ resolveVariable }) => {
  const [origins, headers] = await Promise.all(
    ['param:corsOrigins', 'param:corsHeaders'].map(async (name) =>
      String(await resolveVariable(name))
        .split(',')
        .filter((part) => part !== ''),
    ),
  );
  if (origins.length === 0) return { Ref: 'AWS::NoValue' };
  return {
    AllowOrigins: origins,
    AllowMethods: ['POST'],
    AllowHeaders: [...new Set([...SENT, ...headers.map((header) => header.toLowerCase())])],
    ExposeHeaders: READ,
    MaxAge: 600,
  };
};
