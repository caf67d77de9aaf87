extension BinaryInteger {
    /// The number with what it counts, such as `1 blob` and `34 blobs`.
    ///
    /// `plural`: for a noun that takes more than an `s`.
    package func counted(_ noun: String, _ plural: String? = nil) -> String {
        "\(self) \(self == 1 ? noun : plural ?? noun + "s")"
    }
}
