/** The URL of a queue on AWS: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, in China under amazonaws.com.cn. */
const QUEUE_URL = /^https:\/\/sqs\.([\w-]+)\.amazonaws\.com(?:\.cn)?\/(\d{12})\/([\w-]+)$/;

/** The ARN of the queue with this URL; undefined if it is the URL of none. */
function arnOf(url) {
  if (typeof url !== 'string') return { 'Fn::GetAtt': [url.Ref, 'Arn'] };
  const [, region, account, name] = QUEUE_URL.exec(url) ?? [];
  return name && { 'Fn::Sub': `arn:\${AWS::Partition}:sqs:${region}:${account}:${name}` };
}

/** What the HTTP function may do with the queue that the stage parameter `joinQueueUrl` names. Nothing if it names none. */
module.exports = async ({ resolveVariable }) => {
  const arn = arnOf(await resolveVariable('param:joinQueueUrl'));
  const sends = { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: arn };
  return { permission: arn ? sends : { Ref: 'AWS::NoValue' } };
};
module.exports.QUEUE_URL = QUEUE_URL;
