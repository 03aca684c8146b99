/// The keys of each map, as SAM and Lambda name them. What exists there and is not carried out here is refused by name.
extension FunctionProperties {
    static let resourceType = "AWS::Serverless::Function"

    static let resourceKeys = ManifestMap.Keys(
        supported: ["Type", "Properties"],
        unsupported: [
            "Condition", "Connectors", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata",
            "UpdatePolicy",
            "UpdateReplacePolicy",
        ] + templateKeys
    )

    static let keys = ManifestMap.Keys(
        supported: [
            "CodeUri", "Description", "Environment", "Events", "FunctionName", "Handler", "MemorySize",
            "ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout",
        ],
        unsupported: [
            "Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties",
            "AutoPublishCodeSha256", "CapacityProviderConfig", "CodeSigningConfigArn", "DeadLetterQueue",
            "DeploymentPreference", "DurableConfig", "EphemeralStorage", "EventInvokeConfig",
            "FileSystemConfigs",
            "FunctionScalingConfig", "FunctionUrlConfig", "ImageConfig", "ImageUri", "InlineCode",
            "KmsKeyArn", "Layers",
            "LoggingConfig", "PackageType", "PermissionsBoundary", "Policies", "PropagateTags",
            "ProvisionedConcurrencyConfig", "PublishToLatestPublished", "RecursiveLoop", "RolePath",
            "RuntimeManagementConfig", "SnapStart", "SourceKMSKeyArn", "TenancyConfig", "Tracing",
            "VersionDeletionPolicy", "VersionDescription", "VpcConfig",
        ] + templateKeys
    )

    /// A whole template instead of one function.
    private static let templateKeys = [
        "AWSTemplateFormatVersion", "Conditions", "Globals", "Mappings", "Outputs", "Parameters", "Resources",
        "Rules",
        "Transform",
    ]
}

extension EventProperties {
    static let eventKeys = ManifestMap.Keys(supported: ["Type", "Properties"], unsupported: [])

    /// SAM's other event types.
    static let otherTypes: Set<String> = [
        "AlexaSkill", "Api", "CloudWatchEvent", "CloudWatchLogs", "Cognito", "DocumentDB", "DynamoDB",
        "EventBridgeRule", "HttpApi", "IoTRule", "MQ", "MSK", "S3", "SNS", "SQS", "Schedule", "ScheduleV2",
        "SelfManagedKafka",
    ]
}

extension KinesisProperties {
    static let keys = ManifestMap.Keys(
        supported: [
            "BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "FilterCriteria",
            "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds",
            "MaximumRetryAttempts", "MetricsConfig", "MillraceDeaggregateKPL", "ParallelizationFactor",
            "StartingPosition",
            "StartingPositionTimestamp", "Stream", "Tags", "TumblingWindowInSeconds",
        ],
        unsupported: ["KmsKeyArn", "ProvisionedPollerConfig"]
    )

    static let filterCriteriaKeys = ManifestMap.Keys(supported: ["Filters"], unsupported: [])
    static let filterKeys = ManifestMap.Keys(supported: ["Pattern"], unsupported: [])
    static let destinationKeys = ManifestMap.Keys(supported: ["OnFailure"], unsupported: ["OnSuccess"])
    static let onFailureKeys = ManifestMap.Keys(supported: ["Destination", "Type"], unsupported: [])
    static let metricsKeys = ManifestMap.Keys(supported: ["Metrics"], unsupported: [])
}
