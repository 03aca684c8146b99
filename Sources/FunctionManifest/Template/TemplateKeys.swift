/// What may stand in a template, and what becomes of it.
enum TemplateKeys {
    static let sections = ManifestMap.Keys(
        supported: [
            "AWSTemplateFormatVersion", "Conditions", "Description", "Globals", "Mappings", "Metadata",
            "Outputs", "Parameters", "Resources", "Transform",
        ],
        unsupported: ["Hooks", "Rules"]
    )

    static let transform = "AWS::Serverless-2016-10-31"

    /// Properties that grant rights, name hardware or tune AWS's own machinery: nothing of a function's work is lost
    /// without them.
    static let functionKeysWithoutEffect: Set<String> = [
        "Architectures", "AssumeRolePolicyDocument", "AutoPublishAliasAllProperties", "AutoPublishCodeSha256",
        "EphemeralStorage", "PermissionsBoundary", "Policies", "PropagateTags", "RecursiveLoop", "RolePath",
        "RuntimeManagementConfig", "SnapStart", "Tracing", "TracingConfig", "VersionDeletionPolicy",
        "VersionDescription",
    ]

    /// Without these there is no function left to register.
    static let functionKeysThatAreTheCode: Set<String> = [
        "ImageConfig", "ImageUri", "InlineCode", "PackageType",
    ]

    static let stream = ManifestMap.Keys(
        supported: ["Name", "RetentionPeriodHours", "ShardCount", "StreamModeDetails", "Tags"],
        unsupported: [
            "DesiredShardLevelMetrics", "MaxRecordSizeInKiB", "StreamEncryption", "WarmThroughputMiBps",
        ]
    )

    static let streamMode = ManifestMap.Keys(supported: ["StreamMode"], unsupported: [])
}
