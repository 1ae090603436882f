output "role_arn" {
  description = "ARN of the schedule's role."
  value       = aws_iam_role.this.arn
}

output "message" {
  description = "What the schedule sends."
  value       = aws_scheduler_schedule.this.target[0].input
}
