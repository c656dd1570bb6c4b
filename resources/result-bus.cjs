/**
 * The ARN of the event bus that is named by the stage parameter `resultBus`: that itself, or a name in this account and
 * region. CloudFormation has no function that tells the two apart.
 */
module.exports = async ({ resolveVariable }) => {
  const bus = await resolveVariable('param:resultBus');
  const own = `arn:\${AWS::Partition}:events:\${AWS::Region}:\${AWS::AccountId}:event-bus/${bus}`;
  return { arn: bus.startsWith('arn:') ? bus : { 'Fn::Sub': own } };
};
