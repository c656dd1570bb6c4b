/** What policy.yml has for the app's own rule. A part that is left empty there has nothing. */
const read = async ({ resolveVariable }) => (await resolveVariable('self:custom.policy')) || {};

module.exports = {
  /** Variables of the HTTP function. */
  environment: async (serverless) => (await read(serverless)).environment ?? {},
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
