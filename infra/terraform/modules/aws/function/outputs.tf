output "name" {
  description = "Name of the function, once it may do what it has to."
  value       = aws_lambda_function.this.function_name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "policy" {
  description = "What the role may do."
  value       = aws_iam_role_policy.this.policy
}

output "log_group" {
  description = "Name of the function's log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "url" {
  description = "The function's URL without a slash at its end; null without one."
  value       = one([for url in aws_lambda_function_url.this[*].function_url : trimsuffix(url, "/")])
}
