# A secret whose value this state never holds: made here and handed on without being written down, or put there later.

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV_AWS_149: the service's own key encrypts it, and needs no rights of the functions besides reading it
  #checkov:skip=CKV2_AWS_57: its other half is at the Git host; a new number in rotations and `burgee connect` change both
  name_prefix             = "${var.name}-"
  description             = var.description
  recovery_window_in_days = var.recovery_days
}

ephemeral "aws_secretsmanager_random_password" "this" {
  count = var.rotation == null ? 0 : 1

  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  count = var.rotation == null ? 0 : 1

  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.this[0].random_password
  secret_string_wo_version = var.rotation
}
