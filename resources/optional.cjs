/** No property of CloudFormation's, no statement of IAM's. */
const NOTHING = { Ref: 'AWS::NoValue' };

/** The regions of AWS China. */
const CHINA = /^cn-/;

/** A key's own permission is not to be used by itself, but through a service. In China that goes by one of two names. */
const through = (service) => ({
  StringEquals: {
    'kms:ViaService': ['amazonaws.com', '${AWS::URLSuffix}'].map((suffix) => ({
      'Fn::Sub': `${service}.\${AWS::Region}.${suffix}`,
    })),
  },
});

const TRACE = { Effect: 'Allow', Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Resource: '*' };

/** What a stage may do without. It is left out while the stage is packaged, so that no Condition has to. */
module.exports = async ({ resolveVariable }) => {
  const [tracing, concurrency, secretKey, dataKey, bus, region] = await Promise.all(
    ['tracing', 'httpConcurrency', 'secretKmsKeyArn', 'dataKmsKeyArn', 'resultBus']
      .map((name) => resolveVariable(`param:${name}`))
      .concat(resolveVariable('self:provider.region')),
  );
  const ifSet = (value, make) => (value === '' ? NOTHING : make(value));
  const isChina = CHINA.test(region);
  const traces = tracing === 'Active' && !isChina;
  // The ARN of the bus, or its name in this account and region.
  const own = `arn:\${AWS::Partition}:events:\${AWS::Region}:\${AWS::AccountId}:event-bus/${bus}`;
  const busArn = String(bus).startsWith('arn:') ? bus : { 'Fn::Sub': own };
  return {
    // Lambda of AWS China knows no X-Ray.
    // https://docs.amazonaws.cn/en_us/aws/latest/userguide/lambda.html
    tracing: isChina ? false : tracing,
    // X-Ray knows no resources for what sends traces.
    sendTraces: traces ? TRACE : NOTHING,
    httpConcurrency: ifSet(concurrency, Number),
    decryptSecret: ifSet(secretKey, (Resource) => ({
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource,
      Condition: through('secretsmanager'),
    })),
    useDataKey: ifSet(dataKey, (Resource) => ({
      Effect: 'Allow',
      // Sending and receiving need both.
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Resource,
      Condition: through('sqs'),
    })),
    dataKey: ifSet(dataKey, (arn) => arn),
    // SQS's own key, where the stage has none.
    sqsKey: dataKey === '' ? true : NOTHING,
    tellResults: ifSet(bus, () => ({ Effect: 'Allow', Action: 'events:PutEvents', Resource: busArn })),
  };
};
module.exports.CHINA = CHINA;
