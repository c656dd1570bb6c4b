/** What policy.yml has for the app's own rule. A part that is left empty there has nothing. */
const read = async ({ resolveVariable }) => (await resolveVariable('self:custom.policy')) || {};

module.exports = {
  /** Variables of the HTTP function. In the sandbox the shell's win, so that a stand-in's address never stands in policy.yml. */
  environment: async (serverless) => {
    const { environment } = await read(serverless);
    const shell = process.env.SANDBOX_FOLDER ? process.env : {};
    return Object.fromEntries(Object.entries(environment ?? {}).map(([name, value]) => [name, shell[name] ?? value]));
  },
  /** A policy of its role, if there are statements for one: IAM takes no empty list. */
  resources: async (serverless) => {
    const { statements } = await read(serverless);
    if (!statements?.length) return { Resources: {} };
    return {
      Resources: {
        HttpPolicy: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            PolicyName: 'policy',
            Roles: [{ Ref: 'HttpRole' }],
            PolicyDocument: { Version: '2012-10-17', Statement: statements },
          },
        },
      },
    };
  },
};
